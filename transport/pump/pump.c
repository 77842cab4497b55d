#include "peersync/base.h"

/* peersync with a connection of its own for each file, as if there were no kept ones: what these
 * are worth is measured against it. */
#include "data.h"

void __real_data_config_default(struct data_config *cfg);
void __wrap_data_config_default(struct data_config *cfg);

void __wrap_data_config_default(struct data_config *cfg)
{
    __real_data_config_default(cfg);
    cfg->keep_connections = false;
}

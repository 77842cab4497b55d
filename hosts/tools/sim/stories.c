#include "stories.h"

#define STORY_ENTRY(name, function, about) {name, about, story_##function},

const story stories[] = {STORY_LIST(STORY_ENTRY){NULL, NULL, NULL}};

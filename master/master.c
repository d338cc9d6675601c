#include "master/master.h"

struct master master;

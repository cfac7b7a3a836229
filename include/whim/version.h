/* The version of this firmware and library. The model file's format has a version of its own. */
#ifndef WHIM_VERSION_H
#define WHIM_VERSION_H

#define WHIM_VERSION "0.1.0"

#endif

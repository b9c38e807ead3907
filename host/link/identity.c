/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/link/identity.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool leads_to(const char *link, const char *device)
{
	char *real = realpath(link, NULL);
	bool same = real && !strcmp(real, device);

	free(real);
	return same;
}

bool identity_find(const char *dir, const char *device, char link[IDENTITY_PATH])
{
	char *real = realpath(device, NULL);
	DIR *d = real ? opendir(dir) : NULL;
	struct dirent *entry;
	bool found = false;

	while (d && !found && (entry = readdir(d)) != NULL) {
		int n = snprintf(link, IDENTITY_PATH, "%s/%s", dir, entry->d_name);

		found = entry->d_name[0] != '.' && n < IDENTITY_PATH && leads_to(link, real);
	}
	if (d)
		closedir(d);
	free(real);
	return found;
}

void identity_follow(const char *port, const char *identity, char device[IDENTITY_PATH])
{
	char *real = *identity ? realpath(identity, NULL) : NULL;

	if (!real)
		real = realpath(port, NULL);
	snprintf(device, IDENTITY_PATH, "%s", real ? real : port);
	free(real);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/identity.h"

#include <string.h>

void identity_learn(struct names *names, const struct ayp_rec_task *rec)
{
	const struct name *now = names_get(names, ayaprof_Table_TABLE_TASK, rec->rec.tid);
	char comm[sizeof(rec->comm) + 1];

	memcpy(comm, rec->comm, sizeof(rec->comm));
	comm[sizeof(rec->comm)] = '\0';
	/* Setting a name announces it again: not for nothing. */
	if (now && now->owner == rec->tgid && !strcmp(now->text, comm))
		return;
	names_set_task(names, rec->rec.tid, rec->tgid, comm, rec->rec.t_ns);
}

/** The hba.conf of a new data directory: what `mpp init` writes, and a master that starts on a new directory.
 *
 *  The safe one trusts the superuser on this host and asks everybody else for a password, over TLS unless the host is
 *  this one. */

export type AuthMethod = 'scram-sha-256' | 'trust';

export const HBA_FILE = 'hba.conf';

const HEADER = `# Who may connect, and how they prove who they are: the rules and the syntax are those of PostgreSQL's pg_hba.conf.
# The first line that matches a connection decides. After a change: SELECT pg_reload_conf(), or SIGHUP to the master.
#
# TYPE      local (Unix socket), host (TCP), hostssl (TCP with TLS), hostnossl (TCP without)
# DATABASE  all, sameuser, samerole, or names with commas between
# USER      all, +group (its members), or names with commas between
# ADDRESS   an address with /bits or a mask behind it, all, samehost, samenet; none for local
# METHOD    trust, reject, scram-sha-256, password, peer
#
# TYPE      DATABASE  USER            ADDRESS         METHOD
`;

/** A name that means itself, whatever it is. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function defaultHba(method: AuthMethod, superuser: string): string {
  const line = (type: string, user: string, address: string, how: string) =>
    `${type.padEnd(12)}${'all'.padEnd(10)}${user.padEnd(16)}${address.padEnd(16)}${how}\n`;
  if (method === 'trust')
    return `${HEADER}${line('local', 'all', '', 'trust')}${line('host', 'all', '127.0.0.1/32', 'trust')}${line('host', 'all', '::1/128', 'trust')}`;
  const own = quoted(superuser);
  return [
    HEADER,
    line('local', own, '', 'trust'),
    line('host', own, '127.0.0.1/32', 'trust'),
    line('host', own, '::1/128', 'trust'),
    line('local', 'all', '', 'scram-sha-256'),
    line('host', 'all', '127.0.0.1/32', 'scram-sha-256'),
    line('host', 'all', '::1/128', 'scram-sha-256'),
    line('hostssl', 'all', 'all', 'scram-sha-256'),
  ].join('');
}

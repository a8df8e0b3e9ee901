import { describe, expect, test } from 'vitest';
import { defaultHba } from '../../types/default-hba.js';
import { RoleGraph } from '../../types/roles/role-graph.js';
import { addressText, maskOf, parseAddress } from './address.js';
import { parseHba } from './hba-file.js';
import { matchingRule } from './hba-match.js';
import { hbaRow } from './hba-rows.js';

const role = (oid: number, name: string) => ({ oid, name, superuser: false, inherit: true });
const graph = new RoleGraph(
  [role(1, 'ann'), role(2, 'bob'), role(3, 'staff'), { ...role(4, 'boss'), superuser: true }],
  [{ role: 3, member: 1, grantor: 10, admin: false }],
  10,
);

/** The line of the rule that decides. */
function decides(
  file: string,
  c: { user?: string; database?: string; address?: string | null; tls?: boolean },
): number | undefined {
  const { rules, problems } = parseHba(file);
  expect(problems).toEqual([]);
  const { user = 'ann', database = 'db', address = '10.1.2.3', tls = false } = c;
  const facts = { user, database, tls, address: address === null ? undefined : parseAddress(address) };
  return matchingRule(rules, facts, graph)?.line;
}

describe('the first rule that matches', () => {
  const FILE = `# comment
local   all             all                                     peer
hostssl all             all             10.0.0.0/8              scram-sha-256 # behind a rule
hostnossl all           bob             10.1.2.0 255.255.255.0  reject
host    db,other        +staff          10.1.2.3/32             password
host    "all"           ann             10.1.2.3/32             trust
host    sameuser        all             samehost                trust
host    samerole        all             all                     trust
host    postgres        "+staff"        ::1/128                 trust
host    all             boss            ::/0                    \\
        trust
`;
  test.each([
    [{ address: null }, 2],
    [{ tls: true }, 3],
    [{ user: 'bob' }, 4],
    [{ user: 'bob', tls: true }, 3],
    [{}, 5],
    [{ database: 'other' }, 5],
    [{ database: 'all' }, 6],
    [{ database: 'third' }, undefined],
    [{ database: 'ann', address: '127.0.0.1' }, 7],
    [{ database: 'staff' }, 8],
    // A superuser is a member of nothing here.
    [{ user: 'boss', database: 'staff' }, undefined],
    [{ user: 'boss', database: 'staff', address: '2001:db8::1' }, 10],
    [{ user: 'boss', address: '127.0.0.1' }, undefined],
    [{ user: '+staff', database: 'postgres', address: '::1' }, 9],
    [{ database: 'postgres', address: '::1' }, undefined],
    [{ address: '::ffff:10.1.2.3' }, 5],
  ] as const)('%j: line %s', (c, line) => {
    expect(decides(FILE, c)).toBe(line);
  });

  test('a replication rule is for no ordinary connection', () => {
    expect(decides('host replication all all trust', { database: 'replication' })).toBeUndefined();
    expect(decides('host "replication" all all trust', { database: 'replication' })).toBe(1);
  });
});

test.each([
  ['bogus', 'invalid connection type "bogus"'],
  ['hostgssenc all all all trust', 'connection type "hostgssenc" is not supported'],
  ['local,host all all trust', 'multiple values specified for connection type'],
  ['local', 'end-of-line before database specification'],
  ['local all', 'end-of-line before role specification'],
  ['local all all', 'end-of-line before authentication method'],
  ['host all all', 'end-of-line before IP address specification'],
  ['host all all 1.2.3.4,5.6.7.8 trust', 'multiple values specified for host address'],
  ['host all all 1.2.3.4', 'end-of-line before netmask specification'],
  ['host all all 1.2.3.4 trust', 'invalid IP mask "trust"'],
  ['host all all 1.2.3.4 ffff:: trust', 'IP address and mask do not match'],
  ['host all all 1.2.3.4/33 trust', 'invalid CIDR mask in address "1.2.3.4/33"'],
  ['host all all 1.2.3.4/x trust', 'invalid CIDR mask in address "1.2.3.4/x"'],
  ['host all all 1.2.3 trust', 'invalid IP address "1.2.3"'],
  ['host all all example.com trust', '"example.com": host names are not supported, give an address'],
  ['host all all all nonsense', 'invalid authentication method "nonsense"'],
  ['host all all all ldap', 'invalid authentication method "ldap": not supported by this build'],
  ['host all all all peer', 'peer authentication is only supported on local sockets'],
  ['local all all peer map=x', 'unrecognized authentication option name: "map"'],
  ['local all all peer map', 'authentication option not in name=value format: map'],
  ['local @dbs all trust', '"@dbs": included files are not supported'],
  ['local "all all trust', 'unterminated quoted string'],
])('%s', (line, error) => {
  expect(parseHba(`\n${line}\nlocal all all trust`)).toMatchObject({
    problems: [{ line: 2, error }],
    rules: [{ line: 3 }],
  });
});

test('quotes, commas and spaces', () => {
  const { rules } = parseHba('local "a b", c ,"d""e" "ALL",+g trust');
  expect(hbaRow(rules[0]!)).toMatchObject({ databases: ['a b', 'c', 'd"e'], users: ['ALL', '+g'] });
});

test('the rules of a new directory are right, whatever the superuser is called', () => {
  for (const method of ['trust', 'scram-sha-256'] as const)
    expect(parseHba(defaultHba(method, 'o"d, d#')).problems).toEqual([]);
  const safe = defaultHba('scram-sha-256', 'o"d, d#');
  const method = (c: Parameters<typeof decides>[1]) => {
    const line = decides(safe, c);
    return parseHba(safe).rules.find((r) => r.line === line)?.method;
  };
  expect(method({ user: 'o"d, d#', address: null })).toBe('trust');
  expect(method({ user: 'o"d, d#', address: '127.0.0.1' })).toBe('trust');
  expect(method({ user: 'o"d, d#', address: '127.0.0.2' })).toBeUndefined();
  expect(method({ user: 'o"d, d#', address: '10.0.0.1' })).toBeUndefined();
  expect(method({ user: 'o"d, d#', address: '10.0.0.1', tls: true })).toBe('scram-sha-256');
  expect(method({ user: 'ann', address: null })).toBe('scram-sha-256');
  expect(method({ user: 'ann', address: '::1' })).toBe('scram-sha-256');
  expect(method({ user: 'ann', address: '10.0.0.1' })).toBeUndefined();
});

test.each([
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:db8::8:800:200c:417a', '2001:db8::8:800:200c:417a'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['fe80::1%eth0', 'fe80::1'],
  ['1.2.3.4', '1.2.3.4'],
])('address %s', (given, shown) => {
  expect(addressText(parseAddress(given)!)).toBe(shown);
});

test('masks', () => {
  expect(addressText(maskOf(20, 4)!)).toBe('255.255.240.0');
  expect(addressText(maskOf(0, 4)!)).toBe('0.0.0.0');
  expect(addressText(maskOf(61, 16)!)).toBe('ffff:ffff:ffff:fff8::');
  expect(maskOf(33, 4)).toBeUndefined();
});

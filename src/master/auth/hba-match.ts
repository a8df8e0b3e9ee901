/** Which rule decides about a connection: the first that matches. Source: PostgreSQL 15, hba.c (check_hba). */
import type { RoleGraph } from '../../types/roles/role-graph.js';
import { type Address, inRange, isOurs } from './address.js';
import type { HbaAddress, HbaRule, HbaToken } from './hba-file.js';

export type ConnectionFacts = {
  /** Undefined: over the Unix socket. */
  readonly address: Address | undefined;
  readonly tls: boolean;
  readonly user: string;
  readonly database: string;
};

export function matchingRule(
  rules: readonly HbaRule[],
  facts: ConnectionFacts,
  graph: RoleGraph,
): HbaRule | undefined {
  return rules.find(
    (r) =>
      matchesType(r, facts) &&
      matchesAddress(r.address, facts.address) &&
      r.databases.some((t) => matchesDatabase(t, facts, graph)) &&
      r.users.some((t) => matchesUser(t, facts.user, graph)),
  );
}

function matchesType({ type }: HbaRule, { address, tls }: ConnectionFacts): boolean {
  if (type === 'local') return address === undefined;
  if (address === undefined) return false;
  return type === 'host' || tls === (type === 'hostssl');
}

function matchesAddress(rule: HbaAddress | undefined, address: Address | undefined): boolean {
  if (rule === undefined || address === undefined) return true;
  switch (rule.kind) {
    case 'all':
      return true;
    case 'samehost':
      return isOurs(address, 'host');
    case 'samenet':
      return isOurs(address, 'net');
    case 'range':
      return inRange(address, rule.address, rule.mask);
  }
}

function isMember(graph: RoleGraph, user: string, group: string): boolean {
  const [member, role] = [graph.named(user), graph.named(group)];
  return member !== undefined && role !== undefined && graph.isMemberNoSuper(member.oid, role.oid);
}

function matchesDatabase(t: HbaToken, { user, database }: ConnectionFacts, graph: RoleGraph): boolean {
  if (!t.quoted)
    switch (t.text) {
      case 'all':
        return true;
      case 'sameuser':
        return user === database;
      case 'samerole':
      case 'samegroup':
        return isMember(graph, user, database);
      // Replication connections end before they come here.
      case 'replication':
        return false;
    }
  return t.text === database;
}

function matchesUser(t: HbaToken, user: string, graph: RoleGraph): boolean {
  if (!t.quoted) {
    if (t.text === 'all') return true;
    if (t.text.startsWith('+')) return isMember(graph, user, t.text.slice(1));
  }
  return t.text === user;
}

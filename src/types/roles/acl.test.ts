import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Acl,
  aclTexts,
  bestGrantor,
  defaultAcl,
  grant,
  heldPrivileges,
  revoke,
  withNewOwner,
} from './acl.js';
import { RoleGraph } from './role-graph.js';

const OWNER = 100;
const role = (oid: number) => ({ oid, name: `r${oid}`, superuser: false, inherit: oid !== 104 });
const graph = new RoleGraph(
  [100, 101, 102, 103, 104, 105].map(role),
  [
    { role: 102, member: 103, grantor: 10, admin: true },
    { role: 102, member: 104, grantor: 10, admin: false },
    { role: 101, member: 102, grantor: 10, admin: false },
  ],
  10,
);

const give = (acl: Acl, grantor: number, grantee: number, privileges: string, grantable = '') =>
  grant(acl, { grantor, grantee, privileges, grantable }, OWNER);

describe('roles', () => {
  test('privileges pass through memberships, but not to those that do not inherit', () => {
    expect(graph.hasPrivilegesOf(103, 101)).toBe(true);
    expect(graph.hasPrivilegesOf(104, 101)).toBe(false);
    expect(graph.isMemberOf(104, 101)).toBe(true);
    expect(graph.isAdminOf(103, 102)).toBe(true);
    expect(graph.isAdminOf(104, 102)).toBe(false);
    expect(graph.isAdminOf(103, 101)).toBe(false);
  });
});

describe('lists', () => {
  test('text', () => {
    let acl = defaultAcl('table', OWNER);
    acl = give(acl, OWNER, 101, 'r', 'r');
    acl = give(acl, OWNER, 0, 'a');
    expect(aclTexts(graph, acl)).toEqual(['r100=arwdDxt/r100', 'r101=r*/r100', '=a/r100']);
  });

  test('nobody holds a grant option by grace of itself', () => {
    let acl = defaultAcl('table', OWNER);
    acl = give(acl, OWNER, 101, 'r', 'r');
    acl = give(acl, 101, 102, 'r', 'r');
    expect(() => give(acl, 102, 101, 'r', 'r')).toThrow(expect.objectContaining({ code: '0LP01' }));
  });

  test('revoking an option revokes what was granted with it, or refuses', () => {
    let acl = defaultAcl('table', OWNER);
    acl = give(acl, OWNER, 101, 'ra', 'ra');
    acl = give(acl, 101, 102, 'r', 'r');
    acl = give(acl, 102, 103, 'r');
    const all = { grantor: OWNER, grantee: 101, privileges: 'r', grantable: 'r' };
    expect(() => revoke(acl, all, OWNER, 'restrict')).toThrow(expect.objectContaining({ code: '2BP01' }));
    expect(aclTexts(graph, revoke(acl, all, OWNER, 'cascade'))).toEqual([
      'r100=arwdDxt/r100',
      'r101=a*/r100',
    ]);
  });

  test('the grantor is the one of its roles with the most options', () => {
    const acl = give(defaultAcl('table', OWNER), OWNER, 101, 'ra', 'ra');
    expect(bestGrantor(graph, acl, 103, OWNER, 'raw')).toEqual({ grantor: 101, options: 'ra' });
    expect(bestGrantor(graph, acl, 104, OWNER, 'r')).toEqual({ grantor: 104, options: '' });
  });

  test('a new owner takes the place of the old', () => {
    let acl = give(defaultAcl('table', OWNER), OWNER, 101, 'r');
    acl = withNewOwner(acl, OWNER, 101);
    expect(aclTexts(graph, acl)).toEqual(['r101=arwdDxt/r101']);
  });

  test('a cascade leaves no grant without an option behind it', () => {
    const roles = fc.integer({ min: 101, max: 105 });
    const step = fc.record({
      grantor: roles,
      grantee: roles,
      letter: fc.constantFrom('r', 'a'),
      option: fc.boolean(),
      take: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let acl = defaultAcl('table', OWNER);
        for (const s of steps) {
          const holds = acl.some((i) => i.grantee === s.grantor && i.grantable.includes(s.letter));
          const grantor = holds ? s.grantor : OWNER;
          const item = {
            grantor,
            grantee: s.grantee,
            privileges: s.letter,
            grantable: s.take || s.option ? s.letter : '',
          };
          if (s.take) acl = revoke(acl, item, OWNER, 'cascade');
          else
            try {
              acl = grant(acl, item, OWNER);
            } catch (e) {
              expect(e).toMatchObject({ code: '0LP01' });
            }
          // Every grant leads back to the owner.
          for (const letter of ['r', 'a']) {
            const reached = new Set([OWNER]);
            for (const holder of reached)
              for (const i of acl)
                if (i.grantor === holder && i.grantable.includes(letter)) reached.add(i.grantee);
            for (const i of acl) if (i.privileges.includes(letter)) expect(reached.has(i.grantor)).toBe(true);
          }
        }
        expect(heldPrivileges(graph, acl, OWNER, 'r')).toBe('r');
      }),
    );
  });
});

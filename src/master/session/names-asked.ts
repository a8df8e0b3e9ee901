/** What the functions of a plan ask of the catalog, so that only that is sent to the threads that run it. */
import type { DistributedPlan } from '../../plan/physical.js';

export type NamesAsked = {
  readonly names: boolean;
  readonly signatures: boolean;
  readonly signals: boolean;
  readonly privileges: boolean;
};

export const NO_NAMES_ASKED: NamesAsked = {
  names: false,
  signatures: false,
  signals: false,
  privileges: false,
};

/** Functions that look names up: reg* types, pg_get_*(), visibility, current_setting. */
const NAME_FUNCTIONS =
  /reg(class|proc|type|namespace|role|oper)|^(pg_|current_setting|format_type|obj_|col_|has_)/;

const SIGNATURE_FUNCTIONS = /^pg_get_function_|^cast\((regprocedure|regoperator),/;

const PRIVILEGE_FUNCTIONS = /^(has_\w+_privilege|pg_has_role)\(/;

export const SIGNALS = /^pg_(cancel|terminate)_backend\(/;

const asked = new WeakMap<DistributedPlan, NamesAsked>();

export function namesAskedFor(plan: DistributedPlan): NamesAsked {
  let known = asked.get(plan);
  if (known === undefined) {
    known = findNamesAsked(plan);
    asked.set(plan, known);
  }
  return known;
}

/** System tables nearly always come with functions that ask for names. */
function findNamesAsked(plan: DistributedPlan): NamesAsked {
  const found = { names: false, signatures: false, signals: false, privileges: false };
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) {
      for (const item of x) visit(item);
      return;
    }
    if (typeof x !== 'object' || x === null) return;
    const { kind, fn } = x as { kind?: unknown; fn?: unknown };
    found.names ||= kind === 'virtualScan';
    if (typeof fn === 'string') {
      found.names ||= NAME_FUNCTIONS.test(fn);
      found.signals ||= SIGNALS.test(fn);
      found.signatures ||= SIGNATURE_FUNCTIONS.test(fn);
      found.privileges ||= PRIVILEGE_FUNCTIONS.test(fn);
    }
    for (const value of Object.values(x)) visit(value);
  };
  for (const s of plan.slices) visit(s.root);
  return found;
}

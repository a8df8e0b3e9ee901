/** How many rows a plan can give at all: guarantees, not estimates. */
import type { LogicalPlan } from '../logical/nodes.js';

export function exactlyOneRow(p: LogicalPlan): boolean {
  switch (p.kind) {
    case 'values':
      return p.rows.length === 1;
    case 'aggregate':
      return p.groups.length === 0;
    case 'project':
    case 'sort':
      return exactlyOneRow(p.input);
    case 'join':
      return (
        (p.type === 'inner' &&
          p.predicate === undefined &&
          exactlyOneRow(p.left) &&
          exactlyOneRow(p.right)) ||
        (p.type === 'left' && exactlyOneRow(p.left) && atMostOneRow(p.right)) ||
        ((p.type === 'single' || p.type === 'mark') && exactlyOneRow(p.left))
      );
    default:
      return false;
  }
}

export function atMostOneRow(p: LogicalPlan): boolean {
  switch (p.kind) {
    case 'values':
      return p.rows.length <= 1;
    case 'aggregate':
      return p.groups.length === 0 || atMostOneRow(p.input);
    case 'project':
    case 'sort':
    case 'filter':
    case 'distinctOn':
      return atMostOneRow(p.input);
    case 'limit':
      return (
        (p.limit?.kind === 'const' &&
          typeof p.limit.value === 'bigint' &&
          p.limit.value <= 1n &&
          p.limit.value >= 0n) ||
        atMostOneRow(p.input)
      );
    case 'join':
      switch (p.type) {
        case 'inner':
          return atMostOneRow(p.left) && atMostOneRow(p.right);
        case 'left':
          return atMostOneRow(p.left) && atMostOneRow(p.right);
        case 'semi':
        case 'anti':
        case 'mark':
        case 'single':
          return atMostOneRow(p.left);
        default:
          return false;
      }
    default:
      return false;
  }
}

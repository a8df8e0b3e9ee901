/** \plan. */
import type { CommandTable } from './command.js';

export const PLAN_COMMANDS: CommandTable = {};

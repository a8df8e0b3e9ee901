#!/usr/bin/env node
/** `mpp-sql`: the interactive terminal for mpp and for PostgreSQL. */
import * as nodeModule from 'node:module';

// Where Node can keep compiled code (22.8 and newer), the next start is faster.
(nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();
const { runClient } = await import('./run-client.js');
process.exitCode = await runClient(process.argv.slice(2));
// Sockets and standard input that are still open must not keep us.
process.exit();

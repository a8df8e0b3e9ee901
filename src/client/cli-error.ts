/** An outcome that a person must read: one line, and a non-zero status. */
export class CliError extends Error {}

/** Runs a command; a CliError ends the process with its line, anything else with its stack. */
export async function runCli(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (e) {
    if (e instanceof CliError) console.error(`mpp: ${e.message}`);
    else console.error(e instanceof Error ? e.stack : e);
    process.exitCode = 1;
  }
}

import { type Command, CommanderError } from 'commander';
import { EXIT, type ExitCode, LabError } from '../base/errors.ts';
import { forTerminal } from '../base/escape/terminal.ts';
import { printable } from '../base/quote.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that Ctrl-C and its like raise; a second Ctrl-C ends the process at once (the lab ends with it). */
export function interrupted(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, stop);
  return {
    signal: controller.signal,
    dispose() {
      for (const name of SIGNALS) process.off(name, stop);
    },
  };
}

/** Says what went wrong and what to do. @param where stands before it where several things are done at once */
export function complain(error: unknown, where?: string): ExitCode {
  if (error instanceof LabError) {
    const text = `${where === undefined ? '' : `${where}: `}${error.code}: ${error.message}\n  what to do: ${error.todo}\n`;
    process.stderr.write(forTerminal(text));
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(forTerminal(`${text}\nThis is a bug in idlelab. Please report it with the output above.\n`));
  return EXIT.inconclusive;
}

/** Whoever reads our output may stop reading (`| head`): that is no error. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

/** Its sentences with the choices that it offers. */
const MOST_CHARACTERS = 600;

/** Help is read in windows of any width, and pasted. */
export const HELP_COLUMNS = 80;

/** What commander says about the command line, as an error like every other. */
const badOption = (program: Command, { message }: CommanderError): LabError =>
  new LabError(
    'BAD_OPTION',
    printable(message.replace(/^error: /, '').replace(/\s+/g, ' '), MOST_CHARACTERS),
    `npm run ${program.name()} -- --help lists the options`,
  );

/**
 * Reads the command line, runs the command's body, shows what went wrong, and sets the exit code.
 * @param words of the command line
 */
export async function runCommand(
  program: Command,
  body: () => Promise<ExitCode>,
  words: readonly string[] = process.argv.slice(2),
): Promise<void> {
  endWithReader();
  try {
    program
      .exitOverride()
      .configureHelp({ helpWidth: HELP_COLUMNS })
      .configureOutput({ outputError: () => {} })
      .parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.asExpected : complain(badOption(program, error));
    return;
  }
  try {
    process.exitCode = await body();
  } catch (error) {
    process.exitCode = complain(error);
  }
}

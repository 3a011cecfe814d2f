import type { ChildProcess } from 'node:child_process';
import { LabError } from '../base/errors.ts';

/** Feeds a program that was just started, and waits. @returns its standard output. @throws LabError MISSING_TOOL, NO_NETWORK */
export function toItsEnd(child: ChildProcess, input: string | undefined, what: string): Promise<string> {
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new LabError(
          'MISSING_TOOL',
          `cannot run ${what}: ${error.message}`,
          'npm run setup, as root, installs what is missing',
          error,
        ),
      ),
    );
    child.once('close', (code) =>
      code === 0
        ? resolve(output)
        : reject(
            new LabError(
              'NO_NETWORK',
              `${what}: ${errors.trim() || `exit code ${code}`}`,
              'the lab could not be built here; the message tells what the kernel refused (it must allow network namespaces, veth pairs and nftables)',
            ),
          ),
    );
  });
}

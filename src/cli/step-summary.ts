import { appendFileSync } from 'node:fs';

/** Adds to the summary of a GitHub Actions step, where the job names a file for it. @param markdown undefined: nothing to add */
export function writeStepSummary(markdown: string | undefined): void {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file && markdown !== undefined) appendFileSync(file, `${markdown}\n`);
}

import { appendFileSync } from 'node:fs';

/** Adds to the summary of a GitHub Actions step, where there is one. */
export function stepSummary(markdown: string): void {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file) appendFileSync(file, `${markdown}\n`);
}

import type { SweepResult } from '../../sweep/result.ts';
import type { ReportContext } from '../reporter.ts';

/** One output format of a sweep: a file each in `formats/`. A report is a pure function of one result document. */
export interface SweepReporter {
  /** One line for `--help`. */
  about: string;
  /** Name under which a sweep keeps this format in its folder, for those that are documents. */
  file?: string;
  render(result: SweepResult, context: ReportContext): string | Promise<string>;
  /** Markdown that the command line adds to the summary of a job's step, where there is one. */
  summary?(result: SweepResult): string;
}

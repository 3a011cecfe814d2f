import type { SweepResult } from '../../sweep/result.ts';
import type { ReportContext } from '../reporter.ts';

/** One output format of a sweep: a file each in `formats/`. A report is a function of one result document. */
export interface SweepReporter {
  /** One line for `--help`. */
  about: string;
  /** Name under which a sweep keeps this format in its folder, for those that are documents. */
  file?: string;
  render(result: SweepResult, context: ReportContext): string | Promise<string>;
}

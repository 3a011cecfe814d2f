import type { Result } from '../judge/result.ts';

/** How and where a report is shown. */
export interface ReportContext {
  /** Width of the reader's terminal, characters. */
  columns: number;
  color: boolean;
  /** The run's folder, as the reader would type it. */
  folder: string;
}

/**
 * One output format: a file each in `formats/`, whose name is its word for `--reporter`. A report is a pure function of
 * one result document: nothing is looked up anywhere else, and nothing is written. Words of the document are a stranger's;
 * each format escapes them (`src/base/escape`).
 */
export interface Reporter {
  /** One line for `--help`. */
  about: string;
  /** Name under which every run keeps this format in its folder, for those that are documents. */
  file?: string;
  /** True where two reports, one after the other, are no document of this format. */
  single?: true;
  /** What stands before, between and after the reports of several scenarios, where they are one document together. */
  several?: { before: string; between: string; after: string };
  render(result: Result, context: ReportContext): string;
  /** Markdown that the command line adds to the summary of a job's step, where there is one. */
  summary?(result: Result): string;
}

import { basename } from 'node:path';
import type { z } from 'zod';
import { LabError, messageOf } from '../base/errors.ts';
import { readPlainBytes } from '../base/plain.ts';
import { printable } from '../base/quote.ts';

const DAMAGED = 'the folder is damaged, or another version of idlelab wrote it: run it again';

/** @param where file, with a line where it has lines */
export const badEvidence = (where: string, what: string, todo: string = DAMAGED, cause?: unknown): LabError =>
  new LabError('BAD_EVIDENCE', `cannot read ${where}: ${what}`, todo, cause);

/** `acts.0.name`; a key that is not a plain word in quotes. */
const pathText = (path: readonly PropertyKey[]): string =>
  path.map((key) => (/^[\w-]+$/.test(String(key)) ? String(key) : JSON.stringify(String(key)))).join('.');

/** A schema names keys that it does not know; they may be as long as the file. */
const MOST_WORDS = 300;

/** The first thing that is wrong: "acts.0.name: Invalid input: expected string, received number". */
export function issueText({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue === undefined) return 'it has another form';
  return printable(issue.path.length === 0 ? issue.message : `${pathText(issue.path)}: ${issue.message}`, MOST_WORDS);
}

/** How many bytes a file of a run or a sweep may have. */
export const MOST_BYTES = {
  /** run.json and sweep.json: plans and records, of kilobytes. */
  record: 64 * 1024 ** 2,
  /** result.json: a text, of which V8 holds at most 2^29 - 24 characters. */
  result: 500_000_000,
  /** Captures and rows, which are read as bytes. */
  evidence: 2 ** 31 - 1,
  /** One row: at most a look at 10,000 sockets. */
  row: 64 * 1024 ** 2,
} as const;

/** @throws LabError BAD_EVIDENCE where it is not there, larger than that, a link, or anything else than a file */
export function readBytes(file: string, mostBytes: number): Buffer {
  try {
    return readPlainBytes(file, mostBytes);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw badEvidence(basename(file), messageOf(error), DAMAGED, error);
  }
}

/**
 * Reads a JSON document.
 * @param where its file
 * @param todo what to do where it is not as it should be
 * @throws LabError BAD_EVIDENCE with the file and where in the document it is wrong
 */
export function parseDocument<T>(text: string, where: string, schema: z.ZodType<T>, todo: string = DAMAGED): T {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw badEvidence(where, messageOf(error), todo, error);
  }
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw badEvidence(where, issueText(parsed.error), todo);
}

const NEWLINE = 10;

/**
 * Reads one JSON document a line.
 * @param where the file they are of
 * @param options `todo`: what to do where one is not as it should be; `keep`: what is done to each before the next is read
 * @returns its rows; `cut`: whether it ends in the middle of one, which is left out then
 * @throws LabError BAD_EVIDENCE with file and line
 */
export function parseRows<T>(
  bytes: Buffer,
  where: string,
  schema: z.ZodType<T>,
  { todo = DAMAGED, keep }: { todo?: string; keep?: ((row: T) => void) | undefined } = {},
): { rows: T[]; cut: boolean } {
  const rows: T[] = [];
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    line++;
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end > start) {
      if (end - start > MOST_BYTES.row)
        throw badEvidence(`${where}:${line}`, `a row of more than ${MOST_BYTES.row} bytes`, todo);
      const row = parseRow(bytes.toString('utf8', start, end), schema);
      if ('row' in row) {
        keep?.(row.row);
        rows.push(row.row);
      }
      // Every row ends with a newline: without one it was not written to its end.
      else if (newline < 0) return { rows, cut: true };
      else throw badEvidence(`${where}:${line}`, row.problem, todo);
    }
    start = end + 1;
  }
  return { rows, cut: false };
}

function parseRow<T>(text: string, schema: z.ZodType<T>): { row: T } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: messageOf(error) };
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { row: parsed.data } : { problem: issueText(parsed.error) };
}

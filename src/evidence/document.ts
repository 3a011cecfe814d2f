import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { z } from 'zod';
import { LabError, messageOf } from '../errors.ts';

const DAMAGED = 'the folder is damaged, or another version of idlelab wrote it: run it again';

/** @param where file, with a line where it has lines */
export const badEvidence = (where: string, what: string, todo: string = DAMAGED, cause?: unknown): LabError =>
  new LabError('BAD_EVIDENCE', `cannot read ${where}: ${what}`, todo, cause);

/** `acts.0.name`; a key that is not a plain word in quotes. */
const pathText = (path: readonly PropertyKey[]): string =>
  path.map((key) => (/^[\w-]+$/.test(String(key)) ? String(key) : JSON.stringify(String(key)))).join('.');

/** The first thing that is wrong: "acts.0.name: Invalid input: expected string, received number". */
export function issueText({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue === undefined) return 'it has another form';
  return issue.path.length === 0 ? issue.message : `${pathText(issue.path)}: ${issue.message}`;
}

/** @throws LabError BAD_EVIDENCE */
export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
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
 * @returns its rows; `cut`: whether it ends in the middle of one, which is left out then
 * @throws LabError BAD_EVIDENCE with file and line
 */
export function parseRows<T>(
  bytes: Buffer,
  where: string,
  schema: z.ZodType<T>,
  todo: string = DAMAGED,
): { rows: T[]; cut: boolean } {
  const rows: T[] = [];
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    line++;
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end > start) {
      const row = parseRow(bytes.toString('utf8', start, end), schema);
      if ('row' in row) rows.push(row.row);
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

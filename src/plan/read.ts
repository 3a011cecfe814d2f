import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml';
import type { z } from 'zod';
import { LabError, messageOf } from '../base/errors.ts';
import { printable, quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import { checked } from './complaint.ts';
import { knownKeys } from './known-keys.ts';
import { FILE_LIMITS } from './limits.ts';
import { readText } from './read-text.ts';
import { valuesOf, wordsOf, YamlProblem } from './yaml-value.ts';

export interface SourceFile {
  /** As the person named it. */
  path: string;
  text: string;
  /** The comment that opens the file: its documentation. */
  comment: string;
}

const EXAMPLES = 'correct the file; lab/scenarios has examples, schemas/ has the JSON Schema for your editor';

/** A file, and where its lines begin. */
interface PlacesIn {
  path: string;
  lines: LineCounter;
  isLink: boolean;
}

/** A link may lead to a file that is nobody else's business, and messages are passed on. */
const UNSEEN = 'something else, which is not shown because this path is a link';

/** Where in a file something stands, and how to complain about it. */
export class Positions {
  readonly #file: PlacesIn;
  readonly #contents: unknown;
  readonly #aliases: ReadonlyMap<Alias, Node>;

  constructor(file: PlacesIn, contents: unknown, aliases: ReadonlyMap<Alias, Node>) {
    this.#file = file;
    this.#contents = contents;
    this.#aliases = aliases;
  }

  /** The node at a path of keys; its nearest ancestor when it does not exist. With `key`, the key itself. */
  #find(path: readonly PropertyKey[], key: boolean): Node | undefined {
    let node = (this.#contents ?? undefined) as Node | undefined;
    for (const [index, step] of path.entries()) {
      const holder = isAlias(node) ? this.#aliases.get(node) : node;
      const pair = isMap(holder)
        ? holder.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step))
        : undefined;
      if (pair && key && index === path.length - 1) return pair.key as Node;
      const next = isSeq(holder) ? holder.items[Number(step)] : pair?.value;
      if (next === undefined || next === null) return (pair?.key as Node | undefined) ?? node;
      node = next as Node;
    }
    return node;
  }

  /** An error with file, line and column (1-based), what was expected and what was found. */
  error(
    path: readonly PropertyKey[],
    expected: string,
    options: { found?: string; hint?: string | undefined; key?: boolean } = {},
  ): LabError {
    const node = this.#find(path, options.key ?? false);
    const place = printable(path.map(String).join('.')) || 'the top';
    const found = options.found ?? describe(node);
    return badFile(this.#file, node?.range?.[0] ?? 0, place, expected, found, options.hint);
  }
}

function badFile(
  { path, lines, isLink }: PlacesIn,
  offset: number,
  place: string,
  expected: string,
  found: string,
  hint: string | undefined,
): LabError {
  const { line, col } = lines.linePos(offset);
  return new LabError(
    'BAD_FILE',
    `${path}:${Math.max(line, 1)}:${Math.max(col, 1)}: at ${isLink ? 'this place' : place}: expected ${expected}, found ${isLink ? UNSEEN : found}`,
    hint ?? EXAMPLES,
  );
}

function describe(node: Node | undefined): string {
  if (node === undefined) return 'nothing';
  return isMap(node)
    ? `a map with the keys ${printable(node.items.map((item) => String(item.key)).join(', ')) || '(none)'}`
    : wordsOf(node);
}

/** Anything but text: control characters, which no such file needs, and bytes that are no characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_TEXT = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/;

function checkText(text: string, isText: boolean, complain: Complain): void {
  const control = NOT_TEXT.exec(text);
  if (control) throw complain(control.index, 'text', `the control character ${quoted(control[0])}`);
  if (!isText) throw complain(Math.max(0, text.indexOf('\uFFFD')), 'text in UTF-8', 'a byte that is none');
}

/** The parser goes as deep as the brackets do. @returns where they are deeper than any file's */
const BRACKETS_DEEP = 64;
function tooDeep(text: string): number | undefined {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
    if (depth > BRACKETS_DEEP) return index;
  }
  return undefined;
}

/** What was expected and found where the YAML itself is broken. */
function wordsFor({ code, message }: YAMLError): [expected: string, found: string] {
  if (code === 'MULTIPLE_DOCS') return ['one YAML document', 'another one'];
  if (code === 'RESOURCE_EXHAUSTION') return [`at most ${FILE_LIMITS.depth} maps and lists in one another`, 'more'];
  return ['YAML', printable(message.replace(/\s+/g, ' '))];
}

type Complain = (offset: number, expected: string, found: string) => LabError;

/** @throws LabError BAD_FILE */
function parse(path: string): { source: SourceFile; value: unknown; positions: Positions } {
  const { text, isText, isLink } = readText(path);
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) lines.addNewLine(end + 1);
  const file = { path, lines, isLink };
  const complain: Complain = (offset, expected, found) =>
    badFile(
      file,
      offset,
      'this place',
      expected,
      found,
      'correct the YAML there: its indentation, quotes, names and keys',
    );
  checkText(text, isText, complain);
  const deep = tooDeep(text);
  if (deep !== undefined) throw complain(deep, `at most ${BRACKETS_DEEP} open brackets`, 'more');
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, {
      // The values of a file do not depend on a %YAML line in it: no merge keys, no sets, no dates.
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      // Found while the values are taken, where it costs less.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
  } catch (error) {
    throw complain(0, 'YAML', printable(messageOf(error)));
  }
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken) throw complain(broken.pos[0], ...wordsFor(broken));
  try {
    const { value, aliases } = valuesOf(document.contents);
    const comment = (/^(?:#.*\n)+/.exec(text)?.[0] ?? '').replace(/^# ?/gm, '').trim();
    return {
      source: { path, text, comment },
      value,
      positions: new Positions(file, document.contents, aliases),
    };
  } catch (error) {
    if (error instanceof YamlProblem) throw complain(error.offset, error.expected, error.found);
    throw error;
  }
}

/**
 * Reads a YAML file and checks it against a schema.
 * @throws LabError BAD_FILE with file, line, column, expected and found
 */
export function readYaml<S extends z.ZodType>(
  path: string,
  schema: S,
): { value: z.output<S>; source: SourceFile; positions: Positions } {
  const { source, value, positions } = parse(path);
  const read = checked(schema, value);
  if ('value' in read) return { value: read.value, source, positions };
  const { path: at, expected, stray, badKey } = read.complaint;
  if (badKey) throw positions.error(at, expected, { found: `the key ${quoted(String(at.at(-1)))}`, key: true });
  if (stray === undefined) throw positions.error(at, expected);
  const known = knownKeys(schema, at, value);
  throw positions.error(
    [...at, stray],
    known.length > 0 ? `one of the keys ${known.join(', ')}` : 'a map without keys',
    {
      found: `the key ${quoted(stray)}`,
      hint: suggestion(stray, known),
      key: true,
    },
  );
}

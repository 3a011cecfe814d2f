import { readFileSync } from 'node:fs';
import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { LabError, messageOf } from '../errors.ts';
import { suggestion } from './suggest.ts';

export interface SourceFile {
  /** As the person named it. */
  path: string;
  text: string;
  /** The comment that opens the file: its documentation. */
  comment: string;
}

/** Where in a file something stands, and how to complain about it. */
export class Positions {
  readonly #path: string;
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #lines: LineCounter;

  constructor(path: string, document: ReturnType<typeof parseDocument>, lines: LineCounter) {
    this.#path = path;
    this.#document = document;
    this.#lines = lines;
  }

  /** The node at a path of keys; of its nearest ancestor when it does not exist. With `key`, the key itself. */
  #find(path: readonly PropertyKey[], key: boolean): Node | undefined {
    for (let depth = path.length; depth >= 0; depth--) {
      const head = path.slice(0, depth) as (string | number)[];
      if (key && depth > 0) {
        const parent = depth === 1 ? this.#document.contents : this.#document.getIn(head.slice(0, -1), true);
        if (isMap(parent)) {
          const pair = parent.items.find(
            (item) => isScalar(item.key) && String(item.key.value) === String(head.at(-1)),
          );
          if (pair && isNode(pair.key)) return pair.key;
        }
      }
      const node = depth === 0 ? this.#document.contents : this.#document.getIn(head, true);
      if (isNode(node)) return node;
    }
    return undefined;
  }

  /** An error with file, line and column (1-based), what was expected and what was found. */
  error(
    path: readonly PropertyKey[],
    expected: string,
    options: { found?: string; hint?: string | undefined; key?: boolean } = {},
  ): LabError {
    const node = this.#find(path, options.key ?? false);
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    const found = options.found ?? describe(node);
    return new LabError(
      'BAD_FILE',
      `${this.#path}:${Math.max(line, 1)}:${Math.max(col, 1)}: at ${path.map(String).join('.') || 'the top'}: expected ${expected}, found ${found}`,
      options.hint ?? 'correct the file; lab/scenarios has examples, schemas/ has the JSON Schema for your editor',
    );
  }
}

function describe(node: Node | undefined): string {
  if (node === undefined) return 'nothing';
  if (isScalar(node)) return node.value === null ? 'nothing' : JSON.stringify(node.value);
  return isMap(node)
    ? `a map with the keys ${node.items.map((item) => String(item.key)).join(', ') || '(none)'}`
    : 'a list';
}

type Issue = z.core.$ZodIssue;

/** Of several complaints the one about a misspelt key comes first: a key that is missed is often that one. */
const foremost = (issues: readonly Issue[]): Issue =>
  issues.find((issue) => issue.code === 'unrecognized_keys') ?? (issues[0] as Issue);

/** Of a union's branches the one that fits the value best is the one the writer meant: right type, fewest wrong keys. */
function mostSpecific(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const here = issue.path.length;
  const branches = issue.errors.map((issues) =>
    issues.map((inner) => mostSpecific({ ...inner, path: [...issue.path, ...inner.path] } as Issue)),
  );
  const mismatches = (branch: Issue[]) =>
    branch.filter(({ path, code }) => path.length === here && code !== 'unrecognized_keys').length;
  const wrongKeys = (branch: Issue[]) => branch.filter(({ code }) => code === 'unrecognized_keys').length;
  const [best] = [...branches].sort(
    (a, b) => mismatches(a) - mismatches(b) || wrongKeys(a) - wrongKeys(b) || a.length - b.length,
  );
  return best === undefined || mismatches(best) > 0 ? issue : foremost(best);
}

/** The words of a union's branches, for "expected …". */
function expectedOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `a ${issue.expected === 'record' || issue.expected === 'object' ? 'map' : issue.expected}`;
    case 'invalid_value':
      return issue.values.map(String).join(' or ');
    case 'invalid_union': {
      const words = issue.errors.flatMap((branch) => branch.slice(0, 1).map(expectedOf));
      return [...new Set(words)].join(', or ') || issue.message;
    }
    case 'unrecognized_keys':
      return `known keys`;
    default:
      return issue.message;
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
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LabError(
      'BAD_FILE',
      `cannot read ${path}: ${messageOf(error)}`,
      'give the path of a readable YAML file',
      error,
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const positions = new Positions(path, document, lines);
  const broken = document.errors[0];
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new LabError(
      'BAD_FILE',
      `${path}:${line}:${col}: expected YAML, found: ${broken.message}`,
      'mind the indentation and the quotes around this place',
    );
  }
  const parsed = schema.safeParse(document.toJS());
  if (!parsed.success) {
    const issue = mostSpecific(foremost(parsed.error.issues as Issue[]));
    if (issue.code === 'unrecognized_keys') {
      const key = issue.keys[0] as string;
      const known = knownKeys(schema, issue.path, document.toJS());
      throw positions.error(
        [...issue.path, key],
        known.length > 0 ? `one of the keys ${known.join(', ')}` : 'no such key',
        {
          found: `the key "${key}"`,
          hint: suggestion(key, known),
          key: true,
        },
      );
    }
    throw positions.error(issue.path, expectedOf(issue));
  }
  const comment = (/^(?:#.*\n)+/.exec(text)?.[0] ?? '').replace(/^# ?/gm, '').trim();
  return { value: parsed.data, source: { path, text, comment }, positions };
}

/** The keys a schema knows at a path, by asking it: every strict object on the way tells its shape. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  let current = [schema as z.core.$ZodType];
  let here = value;
  const unwrap = (type: z.core.$ZodType): z.core.$ZodType[] => {
    const def = type._zod.def as unknown as { type: string; options?: z.core.$ZodType[]; innerType?: z.core.$ZodType };
    if (def.type === 'union') return (def.options ?? []).flatMap(unwrap);
    if (def.innerType) return unwrap(def.innerType);
    return [type];
  };
  for (const key of path) {
    current = current.flatMap(unwrap).flatMap((type) => {
      const def = type._zod.def as unknown as {
        type: string;
        shape?: Record<string, z.core.$ZodType>;
        valueType?: z.core.$ZodType;
        element?: z.core.$ZodType;
      };
      if (def.shape) return def.shape[String(key)] ?? [];
      if (def.valueType) return def.valueType;
      return def.element ?? [];
    });
    here = (here as Record<PropertyKey, unknown> | undefined)?.[key];
  }
  const present = new Set(typeof here === 'object' && here !== null ? Object.keys(here) : []);
  const shapes = current.flatMap(unwrap).flatMap((type) => {
    const { shape } = type._zod.def as unknown as { shape?: Record<string, unknown> };
    return shape ? [Object.keys(shape)] : [];
  });
  // Among alternatives, the one that shares most keys with what was written is the one that was meant.
  const shared = (keys: string[]) => keys.filter((key) => present.has(key)).length;
  return shapes.sort((a, b) => shared(b) - shared(a))[0] ?? [];
}

// What a schema's complaint about a value wanted, in the words of whoever wrote the value.
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Of several complaints the one about a misspelt key comes first: a key that is missed is often that one. */
const foremost = (issues: readonly Issue[]): Issue =>
  issues.find((issue) => issue.code === 'unrecognized_keys') ?? (issues[0] as Issue);

/** Complaints about a value of the right type. */
const RIGHT_TYPE: ReadonlySet<string> = new Set(['unrecognized_keys', 'too_small', 'too_big']);

/** Of a union's branches the one that fits the value best is the one the writer meant: right type, fewest wrong keys. */
function mostSpecific(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const here = issue.path.length;
  const branches = issue.errors.map((issues) =>
    issues.map((inner) => mostSpecific({ ...inner, path: [...issue.path, ...inner.path] } as Issue)),
  );
  const mismatches = (branch: Issue[]) =>
    branch.filter(({ path, code }) => path.length === here && !RIGHT_TYPE.has(code)).length;
  const wrongKeys = (branch: Issue[]) => branch.filter(({ code }) => code === 'unrecognized_keys').length;
  const [best] = [...branches].sort(
    (a, b) => mismatches(a) - mismatches(b) || wrongKeys(a) - wrongKeys(b) || a.length - b.length,
  );
  return best === undefined || mismatches(best) > 0 ? issue : foremost(best);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  record: 'a map',
  object: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

const MANY_WORDS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  array: ['entry', 'entries'],
  string: ['character', 'characters'],
};

function boundText(kind: 'at least' | 'at most', origin: string, bound: number | bigint): string {
  const words = MANY_WORDS[origin];
  return words === undefined
    ? `a number of ${kind} ${bound}`
    : `${kind} ${bound} ${words[Number(bound) === 1 ? 0 : 1]}`;
}

/** The message of a wrong type for which the schema has no words of its own: those come before these. */
const UNWORDED = '';
const unworded = ({ code }: { code: string }) =>
  code === 'invalid_type' || code === 'invalid_union' ? UNWORDED : undefined;

/** What a complaint of the schema's wanted, for "expected …". */
function expectedOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      // What a schema says of a type in its own words is better than the type.
      if (issue.message !== UNWORDED) return issue.message;
      return TYPE_WORDS[issue.expected] ?? `a ${issue.expected}`;
    case 'invalid_value':
      return issue.values.map(String).join(' or ');
    case 'invalid_union': {
      if (issue.message !== UNWORDED) return issue.message;
      const words = issue.errors.flatMap((branch) => branch.slice(0, 1).map(expectedOf));
      return [...new Set(words)].join(', or ') || 'another value';
    }
    case 'invalid_key':
      return issue.issues[0] === undefined ? issue.message : expectedOf(issue.issues[0] as Issue);
    case 'too_small':
      return boundText('at least', issue.origin, issue.minimum);
    case 'too_big':
      return boundText('at most', issue.origin, issue.maximum);
    default:
      return issue.message;
  }
}

/** What is wrong with a value: where, what was expected, and which key is not known or no key at all. */
export interface Complaint {
  path: PropertyKey[];
  expected: string;
  /** A key that the schema does not know. */
  stray?: string;
  /** Whether the last of `path` is a key that no map of the kind may have. */
  badKey: boolean;
}

/** Checks a value. @returns what the schema makes of it, or the foremost thing that is wrong */
export function checked<S extends z.ZodType>(
  schema: S,
  value: unknown,
): { value: z.output<S> } | { complaint: Complaint } {
  const parsed = schema.safeParse(value, { error: unworded });
  if (parsed.success) return { value: parsed.data };
  const issue = mostSpecific(foremost(parsed.error.issues as Issue[]));
  return {
    complaint: {
      path: [...issue.path],
      expected: expectedOf(issue),
      ...(issue.code === 'unrecognized_keys' ? { stray: issue.keys[0] as string } : {}),
      badKey: issue.code === 'invalid_key',
    },
  };
}

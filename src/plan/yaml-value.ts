// Turns a parsed YAML document into plain values. What a file may not do is refused here, with its place: keys that are no
// words, keys given twice, aliases to nothing or to what surrounds them, and more of it all than anybody writes.
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { printable, quoted } from '../base/quote.ts';
import { FILE_LIMITS } from './limits.ts';

/** Where in the text it is wrong, what was expected, and what was found. */
export class YamlProblem extends Error {
  readonly offset: number;
  readonly expected: string;
  readonly found: string;

  constructor(node: unknown, expected: string, found: string) {
    super(`expected ${expected}, found ${found}`);
    this.offset = (node as Node | null)?.range?.[0] ?? 0;
    this.expected = expected;
    this.found = found;
  }
}

/** A scalar or key in the file's own words. */
export const wordsOf = (node: Node): string =>
  isScalar(node)
    ? node.value === null
      ? 'nothing'
      : typeof node.value === 'string'
        ? quoted(node.value)
        : printable(node.source ?? String(node.value))
    : isMap(node)
      ? 'a map'
      : isAlias(node)
        ? `*${printable(node.source)}`
        : 'a list';

export interface YamlValues {
  value: unknown;
  /** What each alias stands for. */
  aliases: ReadonlyMap<Alias, Node>;
}

/** @throws YamlProblem */
export function valuesOf(contents: unknown): YamlValues {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node>();
  const open = new Set<Node>();
  let values = 0;

  const plain = (node: unknown): unknown => {
    if (node === null || node === undefined) return null;
    if (++values > FILE_LIMITS.values)
      throw new YamlProblem(node, `a file of at most ${FILE_LIMITS.values} values, with those of aliases`, 'more');
    if (isAlias(node)) {
      const target = aliases.get(node) ?? anchors.get(node.source);
      if (target === undefined)
        throw new YamlProblem(node, 'an alias of an anchor that stands before it', wordsOf(node));
      if (open.has(target)) throw new YamlProblem(node, 'an alias of something else than what it is in', wordsOf(node));
      aliases.set(node, target);
      return plain(target);
    }
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) anchors.set(anchor, node as Node);
    if (isScalar(node)) return node.value ?? null;
    if (open.size >= FILE_LIMITS.depth)
      throw new YamlProblem(node, `at most ${FILE_LIMITS.depth} maps and lists in one another`, 'more');
    open.add(node as Node);
    const collection = isMap(node) ? mapOf(node.items) : isSeq(node) ? node.items.map(plain) : null;
    open.delete(node as Node);
    return collection;
  };

  const mapOf = (items: readonly { key: unknown; value: unknown }[]): Record<string, unknown> => {
    const map: Record<string, unknown> = {};
    for (const { key, value } of items) {
      if (!isScalar(key) || key.value === null)
        throw new YamlProblem(key ?? value, 'a word as a key', key ? wordsOf(key as Node) : 'nothing');
      const word = String(key.value);
      if (word === '__proto__') throw new YamlProblem(key, 'another key', `the key ${quoted(word)}`);
      if (Object.hasOwn(map, word))
        throw new YamlProblem(key, 'each key once in a map', `the key ${quoted(word)} a second time`);
      if (key.anchor !== undefined) anchors.set(key.anchor, key);
      map[word] = plain(value);
    }
    return map;
  };

  return { value: plain(contents), aliases };
}

import { z } from 'zod';

interface Schema {
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

const published = new WeakMap<z.ZodType, Schema>();

/** The JSON Schema of a schema: the public way to ask which keys it knows. */
function schemaOf(schema: z.ZodType): Schema {
  let found = published.get(schema);
  if (found === undefined) {
    found = z.toJSONSchema(schema, { io: 'input' }) as Schema;
    published.set(schema, found);
  }
  return found;
}

const branchesOf = (schema: Schema): Schema[] =>
  [schema.anyOf, schema.oneOf, schema.allOf].some((branches) => branches !== undefined)
    ? [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap(branchesOf)
    : [schema];

const below = (schema: Schema, key: PropertyKey): Schema[] => {
  const { properties, additionalProperties, items } = schema;
  if (properties && Object.hasOwn(properties, key)) return [properties[String(key)] as Schema];
  return [additionalProperties, items].filter((each): each is Schema => typeof each === 'object');
};

/** The keys at the top of an object's schema, and whether each must be there. */
export function topKeys(schema: z.ZodType): { key: string; needed: boolean }[] {
  const { properties = {}, required = [] } = schemaOf(schema);
  return Object.keys(properties).map((key) => ({ key, needed: required.includes(key) }));
}

/**
 * The keys that a schema knows at a path. Of alternatives it takes the one that shares most keys with what was written there:
 * that is the one that was meant.
 */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  let current = branchesOf(schemaOf(schema));
  let here = value;
  for (const key of path) {
    current = current.flatMap((each) => below(each, key)).flatMap(branchesOf);
    here = (here as Record<PropertyKey, unknown> | undefined)?.[key];
  }
  const present = new Set(typeof here === 'object' && here !== null ? Object.keys(here) : []);
  const shared = (keys: readonly string[]) => keys.filter((key) => present.has(key)).length;
  return (
    current
      .flatMap(({ properties }) => (properties ? [Object.keys(properties)] : []))
      .sort((a, b) => shared(b) - shared(a))[0] ?? []
  );
}

const METHODS = [
  ...['filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'some', 'every'],
  ...['map', 'flatMap', 'forEach', 'reduce'],
] as const;
const WHOLE = ['includes', 'indexOf'] as const;

/** How many elements of arrays are looked at while some synchronous work is done: by callbacks, searches and iteration. */
export function arrayWork(work: () => void): number {
  const prototype = Array.prototype as unknown as Record<string, (...values: unknown[]) => unknown>;
  const iterator = Array.prototype[Symbol.iterator];
  const originals = [...METHODS, ...WHOLE].map((name) => [name, prototype[name]] as const);
  let count = 0;
  for (const name of METHODS) {
    const original = prototype[name] as (...values: unknown[]) => unknown;
    prototype[name] = function (this: unknown[], callback, ...more) {
      return original.call(
        this,
        function (this: unknown, ...values: unknown[]) {
          count++;
          return (callback as (...values: unknown[]) => unknown).apply(this, values);
        },
        ...more,
      );
    };
  }
  for (const name of WHOLE) {
    const original = prototype[name] as (...values: unknown[]) => unknown;
    prototype[name] = function (this: unknown[], ...values) {
      count += this.length;
      return original.apply(this, values);
    };
  }
  Array.prototype[Symbol.iterator] = function (this: unknown[]) {
    count += this.length;
    return iterator.call(this);
  } as typeof iterator;
  try {
    work();
  } finally {
    for (const [name, original] of originals) prototype[name] = original as (typeof prototype)[string];
    Array.prototype[Symbol.iterator] = iterator;
  }
  return count;
}

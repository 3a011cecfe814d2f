type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = { [K in keyof T]: T[K] };

/** Does not compile unless two types are the same: what is written, and what is accepted when it is read. */
export type Exactly<Written, Read extends Same<Flat<Written>, Flat<Read>> extends true ? unknown : never> = [
  Written,
  Read,
];

const MOST_CHARACTERS = 80;
/** What a terminal might obey, or show as something else: controls, format characters, lone surrogates, other separators. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A piece of somebody's file, safe to print and not too long: escaped as in JSON, cut after 80 characters. */
export function printable(text: string): string {
  const short = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  return short.replace(INVISIBLE, (character) =>
    [...character].map((each) => `\\u{${(each.codePointAt(0) as number).toString(16)}}`).join(''),
  );
}

/** The same between quotes. */
export const quoted = (text: string): string => `"${printable(text)}"`;

const MOST_CHARACTERS = 80;
/** What a terminal might obey, or show as something else: controls, format characters, lone surrogates, other separators. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A piece of somebody's file, safe to print and not too long: escaped as in JavaScript, cut after `most` characters. */
export function printable(text: string, most: number = MOST_CHARACTERS): string {
  const short = text.length > most ? `${text.slice(0, most)}…` : text;
  return short.replace(INVISIBLE, (character) =>
    [...character].map((each) => `\\u{${(each.codePointAt(0) as number).toString(16)}}`).join(''),
  );
}

/** The same between quotes. */
export const quoted = (text: string): string => `"${printable(text)}"`;

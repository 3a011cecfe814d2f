/**
 * What acts on a reader's screen instead of standing on it: C0 without tab and newline, DEL, C1, and the characters that
 * turn the direction of writing (unicode.org/reports/tr9, "Explicit Directional Formatting Characters", and the marks).
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const ACTING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The control pictures of Unicode begin here: ␀ for NUL, ␛ for ESC. */
const PICTURES = 0x2400;

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(PICTURES + code);
  return code === 0x7f ? '␡' : '�';
}

/**
 * The same text with control characters as pictures of themselves, each as wide as one character: evidence can be read, and
 * cannot move a cursor, set a title or turn a line round. Tabs and newlines stay; CR LF is a newline.
 */
export const visible = (text: string): string => text.replaceAll('\r\n', '\n').replace(ACTING, picture);

/** As `visible`, on one line. */
export const oneLine = (text: string): string => visible(text).replace(/[\n\t]+/g, ' ');

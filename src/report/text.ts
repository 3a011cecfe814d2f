import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];
export type Paint = (format: Format, text: string) => string;

/** Colours when wanted; NO_COLOR and pipes are the caller's to look at. */
export const painter =
  (color: boolean): Paint =>
  (format, text) =>
    color && text !== '' ? styleText(format, text, { validateStream: false }) : text;

/** Breaks text at spaces to lines of at most `width` characters; a longer word keeps a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = '';
      }
      line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}

/** The paragraphs of a text whose lines were broken by hand. */
export const paragraphs = (text: string): string[] => text.split(/\n\s*\n/).map((part) => part.replace(/\n/g, ' '));

/** Wraps, with a head before the first line and as many spaces before the others. */
export function hang(head: string, text: string, width: number): string[] {
  return wrap(text, Math.max(20, width - head.length)).map(
    (line, index) => (index === 0 ? head : ' '.repeat(head.length)) + line,
  );
}

/** Seconds on the lab's clock: "5.033", from an hour on "8:00:05.033". */
export function clockText(seconds: number): string {
  const text = Math.max(0, seconds).toFixed(3);
  if (seconds < 3600) return text;
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${String(Math.floor(whole / 60) % 60).padStart(2, '0')}:${rest}${text.slice(text.indexOf('.'))}`;
}

import { visible } from './visible.ts';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/**
 * Escapes for XML, in text and in quoted attributes. What XML 1.0 cannot hold is shown as a picture; what the runner of a
 * workflow would take as a command to it is written as a character reference.
 */
export const xml = (text: string): string =>
  visible(text)
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replace(/^(\s*):(?=:)/gm, '$1&#58;')
    .replaceAll('##[', '##&#91;');

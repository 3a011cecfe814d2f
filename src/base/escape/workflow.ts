import { visible } from './visible.ts';

// Workflow commands of GitHub Actions: docs.github.com/actions/reference/workflow-commands

const data = (text: string) => visible(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** An annotation, on one line whatever its words are. */
export const annotation = (level: 'error' | 'warning' | 'notice', title: string, message: string): string =>
  `::${level} title=${property(title)}::${data(message)}`;

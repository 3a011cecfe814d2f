import { createHash } from 'node:crypto';
import { type Html, html, raw } from '../base/escape/html.ts';

export interface Page {
  title: string;
  style: string;
  /** Everything in `<body>` except the script. */
  body: Html;
  /** Data that stands in the page as JSON, in an element of the id `result`. */
  data?: unknown;
  script?: string;
}

const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** JSON that cannot end the element it stands in. */
const embedded = (data: unknown): Html => raw(JSON.stringify(data).replaceAll('<', '\\u003c'));

/**
 * A page that needs nothing else, and may have nothing else: its policy allows the one style sheet and the one
 * script that we wrote, and no network. Should text of a run ever stand in it as markup, that markup can neither run nor call home.
 */
export function page({ title, style, body, data, script }: Page): string {
  const policy = [
    "default-src 'none'",
    // The icon, which is empty.
    'img-src data:',
    `style-src ${sha256(style)}`,
    ...(script === undefined ? [] : [`script-src ${sha256(script)}`]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `${html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${raw(policy)}"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – idlelab</title><link rel="icon" href="data:,"><style>${raw(style)}</style></head><body>
${body}
${data !== undefined && html`<script type="application/json" id="result">${embedded(data)}</script>\n`}${script !== undefined && html`<script>${raw(script)}</script>\n`}</body></html>
`}`;
}

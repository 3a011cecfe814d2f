/** How often something was so, and what that says about how often it is so. */
export interface Proportion {
  yes: number;
  of: number;
  /** Wilson's interval for a confidence of 95 % (Wilson 1927): what the true proportion may be. */
  low: number;
  high: number;
}

const Z = 1.96;

export function proportion(yes: number, of: number): Proportion {
  if (of === 0) return { yes, of, low: 0, high: 1 };
  const share = yes / of;
  const squared = Z ** 2;
  const middle = (share + squared / (2 * of)) / (1 + squared / of);
  const half = (Z / (1 + squared / of)) * Math.sqrt((share * (1 - share)) / of + squared / (4 * of ** 2));
  return { yes, of, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** "5 of 5 (57 % to 100 %)". */
export const proportionText = ({ yes, of, low, high }: Proportion): string =>
  of === 0 ? 'not measured' : `${yes} of ${of} (${percent(low)} to ${percent(high)})`;

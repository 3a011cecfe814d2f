import { type CsvValue, csv } from '../../base/escape/csv.ts';
import type { Reporter } from '../reporter.ts';

const format: Reporter = {
  about: 'a line for each act: what happened, in figures',
  render({ scenario, engine, pace, startedAt, acts, problem }) {
    const rows = acts.map(({ name, verdict, hz, labSeconds, outcome }): Record<string, CsvValue> => {
      const { requestsAfterQuiet, zombies, hosts, clients: _, ...others } = outcome;
      const named = (prefix: string, of: Record<string, number>) =>
        Object.fromEntries(Object.entries(of).map(([key, value]) => [`${prefix}_${key}`, value]));
      return {
        ...{ scenario, act: name, verdict, engine, pace, startedAt, hz, labSeconds },
        ...named('request', requestsAfterQuiet),
        ...named('zombies', zombies),
        ...others,
        // One column for each host, where there are several of its kind.
        ...named(
          'zombies_on',
          Object.fromEntries(
            Object.entries(hosts).flatMap(([host, of]) => (of.zombies === null ? [] : [[host, of.zombies]])),
          ),
        ),
      };
    });
    if (problem !== null)
      rows.push({ scenario, verdict: 'inconclusive', engine, pace, startedAt, problem: problem.message });
    return csv([...new Set(rows.flatMap((row) => Object.keys(row)))], rows);
  },
};
export default format;

import { z } from 'zod';
import { ABOUT, defineCheck } from '../check.ts';
import { judgeNotices, noticesStatement } from '../notices.ts';

export default defineCheck({
  about: 'the client’s keepalive finds out that nobody answers any more, after idle + probes × interval',
  params: z.strictObject({ at: z.string(), ...ABOUT }),
  needs: [],
  question: () => 'when the client noticed',
  says: (facts, { at }) => noticesStatement(facts, { at, side: 'client' }),
  judge: (facts, { at }) => judgeNotices(facts, { at, side: 'client' }),
});

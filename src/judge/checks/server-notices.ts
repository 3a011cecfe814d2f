import { z } from 'zod';
import { ABOUT, defineCheck } from '../check.ts';
import { judgeNotices, noticesStatement } from '../notices.ts';

export default defineCheck({
  about: 'the server’s keepalive finds out that the client has gone, after idle + probes × interval',
  params: z.strictObject({ at: z.string(), ...ABOUT }),
  needs: [],
  question: () => 'when the server noticed',
  says: (facts, { at }) => noticesStatement(facts, { at, side: 'server' }),
  judge: (facts, { at }) => judgeNotices(facts, { at, side: 'server' }),
});

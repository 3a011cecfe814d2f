import { z } from 'zod';
export default { params: z.strictObject({}) };

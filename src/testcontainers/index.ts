export { LabError } from '../base/errors.ts';
export type { BalancedFlow, BalancerOptions, LatePacket, Upstream, Zombie } from './balancer.ts';
export { IdleTimeoutBalancer, StartedIdleTimeoutBalancer } from './balancer.ts';
export { labNetwork } from './network.ts';

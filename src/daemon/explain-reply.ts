// An explanation as it is shown: on the local socket and by `gatehouse explain --bundle`, alike.

import { type Explanation, formatExplanation } from '../policy/explain.ts';
import type { ExplainReply } from './control-api.ts';

export function explainReply(explanation: Explanation): ExplainReply {
  const { decision } = explanation;
  return {
    decision: decision.decision,
    revision: decision.revision,
    verdicts: decision.verdicts,
    text: formatExplanation(explanation),
    ...(decision.decision === 'permit' && decision.approvals > 0 ? { approvals: decision.approvals } : {}),
    ...(decision.decision === 'deny' ? { reason: decision.reason } : {}),
    ...(decision.decision === 'deny' && decision.target !== undefined ? { target: decision.target } : {}),
  };
}

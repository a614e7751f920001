import { importPart } from '../../import-part.ts';

export const importAutoscalers = importPart('autoscalers', 'import-autoscalers', 'the autoscalers');

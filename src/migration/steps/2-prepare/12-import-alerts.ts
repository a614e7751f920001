import { importPart } from '../../import-part.ts';

export const importAlerts = importPart('alerts', 'import-alerts', 'the alerts');

import { importPart } from '../../import-part.ts';

/** With the images of its containers. */
export const importProject = importPart('project', 'import-project', 'the project and its images');

/**
 * Operations that Prism 5.16 cannot play, though they are sent as OpenAPI says: document → operation → what it does. How requests of these kinds are
 * written is held against the specification's own table by the tests of @mad/tasks.
 */
const FORM = 'takes lists and JSON in a form for text, and refuses them';
const PICTURE = 'makes no picture';
const PATH = 'cannot read numbers and lists of a path in this style, and crashes';
const QUERY = 'cannot read this style';
const TUPLE = 'reads the items behind a tuple for all of its items';

const MISREAD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docking-3.1.yaml': { dock: TUPLE },
  'multipart.yaml': { prepareProtein: FORM, uploadLibrary: FORM, makeConformers: FORM },
  'files-3.1.yaml': { alignStructures: FORM, drawMolecule: PICTURE, getPicture: PICTURE },
  'parameters.yaml': {
    ...{ pathSimple: PATH, pathSimpleExploded: PATH, pathLabel: PATH, pathLabelExploded: PATH, pathMatrix: PATH },
    ...{
      pathDefaults: PATH,
      querySpace: QUERY,
      querySpaceObject: QUERY,
      queryPipeObject: QUERY,
      queryDeepObject: QUERY,
    },
  },
  'unicode.yaml': {
    getPlate: 'does not find a path with a percent sign',
    getMolecule: 'does not find a name beyond ASCII',
  },
};

export function isMisread(document: string, operationId: string): boolean {
  return Object.hasOwn(MISREAD[document] ?? {}, operationId);
}

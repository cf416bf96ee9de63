import { uniqBy } from 'lodash';
import { standardTransformers, type DataTransformerInfo, type TransformerRegistryItem } from '@grafana/data';

/** Every transformation of `@grafana/data`, so that a dashboard's `transformations` work. */
export const transformers: Array<TransformerRegistryItem<any>> = uniqBy(
  Object.values(standardTransformers) as DataTransformerInfo[],
  // One goes by two names.
  ({ id }) => id
).map((transformation) => ({
  id: transformation.id,
  name: transformation.name,
  description: transformation.description ?? '',
  transformation,
  imageDark: '',
  imageLight: '',
  editor: () => null,
}));

import { standardTransformers, type DataTransformerInfo, type TransformerRegistryItem } from '@grafana/data';

/** Every transformation of `@grafana/data`, so that a dashboard's `transformations` work. */
export const transformers: Array<TransformerRegistryItem<any>> = Object.values(standardTransformers)
  .filter((transformation): transformation is DataTransformerInfo => 'id' in transformation)
  .map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    description: transformation.description ?? '',
    transformation,
    imageDark: '',
    imageLight: '',
    editor: () => null,
  }));

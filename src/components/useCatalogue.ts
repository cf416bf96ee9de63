import { useEffect, useState } from 'react';
import { BUNDLED_CATALOGUE, type CatalogueMetric } from '../catalogue';
import type { RingsideDataSource } from '../datasource';

export interface Catalogue {
  metrics: CatalogueMetric[];
  /** Why the agent could not be asked; the metrics are then those the plugin was built with. */
  failure?: string;
}

export function useCatalogue(datasource: RingsideDataSource): Catalogue {
  const [catalogue, setCatalogue] = useState<Catalogue>({ metrics: BUNDLED_CATALOGUE });
  useEffect(() => {
    let current = true;
    const show = (next: Catalogue) => current && setCatalogue(next);
    datasource.catalogue().then(
      (metrics) => show({ metrics }),
      ({ message }: Error) => show({ metrics: BUNDLED_CATALOGUE, failure: message })
    );
    return () => {
      current = false;
    };
  }, [datasource]);
  return catalogue;
}

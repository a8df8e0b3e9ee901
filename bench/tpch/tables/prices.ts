/** What tables agree on about parts without reading each other. Source: TPC-H specification 4.2.3. */

export const SUPPLIERS_PER_PART = 4;

/** P_RETAILPRICE in cents. */
export function retailPriceCents(partKey: number): number {
  return 90_000 + (Math.floor(partKey / 10) % 20_001) + (partKey % 1000) * 100;
}

/** The supplier of a part, of its four (0 to 3). */
export function supplierOfPart(partKey: number, choice: number, suppliers: number): number {
  const step = Math.floor(suppliers / SUPPLIERS_PER_PART) + Math.floor((partKey - 1) / suppliers);
  return ((partKey + choice * step) % suppliers) + 1;
}

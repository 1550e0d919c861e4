"""The archive: records that left the database, as C2SP tiles and entry bundles, and as Parquet.

```
<log>[.<k>]/checkpoint                    signed, over the whole copy
<log>[.<k>]/tile/<level>/…, tile/entries/…     full tiles only; never changed once written
partitions/<first>/records.parquet        the same records as a table
partitions/<first>/manifest.json          what was copied, and the way to the signed checkpoint
```

``store`` reads and writes the files, ``reading`` gives the bodies of records that are nowhere else,
``copying`` writes a partition, ``checking`` reads a copy back.
"""

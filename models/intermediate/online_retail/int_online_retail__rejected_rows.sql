{{ rejected_rows('online_retail', {
    'online_retail': ref('stg_online_retail__online_retail'),
}) }}
